// A component as an anywidget: https://anywidget.dev/en/afm/

import { type ComponentType, render } from "preact";
import { NO_SHORTCUTS } from "./focus_mark.ts";
import { Link, type Model } from "./link.ts";
import { speak } from "./messages.ts";
import type { SharedTraits } from "./traits.ts";
import "./visible.ts";

export function mounted<Traits extends SharedTraits>(View: ComponentType<{ link: Link<Traits> }>) {
  return {
    render({ model, el }: { model: Model<Traits>; el: HTMLElement }) {
      speak(model.get("catalogue"));
      const link = new Link(model);
      const twinStyle = hideTwin(model.get("twin"));
      // Keys pressed here are not the notebook's shortcuts. Lumino looks for this attribute at the focused element first, and
      // at those around it only after its own selectors; other hosts do not know it.
      el.addEventListener("focusin", ({ target }) => (target as Element).setAttribute(NO_SHORTCUTS, "true"));
      el.classList.add("skw-host");
      render(<View link={link} />, el);
      return () => {
        render(null, el);
        twinStyle.remove();
        link.close();
      };
    },
  };
}

// While the live widget is visible, its plain twin in the same output is not.
function hideTwin(id: string) {
  const style = document.createElement("style");
  style.textContent = `[data-skw-twin="${CSS.escape(id)}"]{display:none}`;
  document.head.append(style);
  return style;
}
