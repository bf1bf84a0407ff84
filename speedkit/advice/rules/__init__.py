"""The rules of advice, one module each: when a rule applies, what it changes, and why.

A rule's module has `GROUP`, its place in the order of all rules, and `change(plan)`. Its cases are folders in
`tests/advice/rules/<rule>`. `suggestions` finds the modules by itself.
"""
