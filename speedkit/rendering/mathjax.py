"""Keeps MathJax, which JupyterLab and exported notebooks run over all HTML, from what is no formula."""

__all__ = ["NOT_MATH"]

NOT_MATH = "mathjax_ignore tex2jax_ignore"
"""Classes of an element in which `$HOME and $(pwd)` stays as it is: MathJax 3's own, and MathJax 2's."""
