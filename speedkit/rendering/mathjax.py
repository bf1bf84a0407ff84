"""Keeps MathJax away from text that is no formula. JupyterLab and exported notebooks run it over all HTML."""

__all__ = ["NOT_MATH"]

NOT_MATH = "mathjax_ignore tex2jax_ignore"
"""Classes of an element in which `$HOME and $(pwd)` stays as it is: MathJax 3's own, and MathJax 2's."""
