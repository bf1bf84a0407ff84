// A component as an anywidget: https://anywidget.dev/en/afm/

import { render } from "preact";
import { Link } from "./link.js";
import { speak } from "./messages.js";
import "./visible.js";

export function mounted(View) {
  return {
    render({ model, el }) {
      speak(model.get("catalogue"));
      const link = new Link(model);
      const hider = hideTwin(model.get("twin"));
      // Keys pressed here are not the notebook's shortcuts. Lumino looks for this attribute at the focused element first, and
      // at those around it only after its own selectors; other hosts do not know it.
      el.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
      el.classList.add("skw-host");
      render(<View link={link} />, el);
      return () => {
        render(null, el);
        hider.remove();
        link.close();
      };
    },
  };
}

// While the live widget is seen, its plain twin in the same output is not.
function hideTwin(id) {
  const style = document.createElement("style");
  style.textContent = `[data-skw-twin="${CSS.escape(id)}"]{display:none}`;
  document.head.append(style);
  return style;
}
