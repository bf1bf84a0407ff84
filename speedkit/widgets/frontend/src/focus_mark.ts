// JupyterLab's key handler, Lumino, leaves the keys of an element with this attribute alone; other hosts do not know it.
export const NO_SHORTCUTS = "data-lm-suppress-shortcuts";
