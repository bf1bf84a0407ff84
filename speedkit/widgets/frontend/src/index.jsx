// The workbench as an anywidget: https://anywidget.dev/en/afm/

import { render } from "preact";
import { Link } from "./link.js";
import { Workbench } from "./Workbench.jsx";

export default {
  render({ model, el }) {
    const link = new Link(model);
    const hider = hideTwin(model.get("twin"));
    // Keys typed here are not the notebook's shortcuts (a rule of Lumino; unknown to other hosts).
    el.dataset.lmSuppressShortcuts = "true";
    el.classList.add("skw-host");
    render(<Workbench link={link} />, el);
    return () => {
      render(null, el);
      hider.remove();
      link.close();
    };
  },
};

// While the live widget is seen, its plain twin in the same output is not.
function hideTwin(id) {
  const style = document.createElement("style");
  style.textContent = `[data-skw-twin="${CSS.escape(id)}"]{display:none}`;
  document.head.append(style);
  return style;
}
