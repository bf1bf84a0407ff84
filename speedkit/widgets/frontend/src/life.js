import { useEffect, useState } from "preact/hooks";

// ipywidgets says so when the other end of a model is gone; a host that does not say it changes nothing.
export function useLife({ model }) {
  const [alive, setAlive] = useState(true);
  useEffect(() => {
    const ended = () => setAlive(false);
    const changed = () => setAlive(model.comm_live ?? false);
    model.on("comm_live_update", changed);
    model.on("comm:close", ended);
    return () => {
      model.off("comm_live_update", changed);
      model.off("comm:close", ended);
    };
  }, [model]);
  return alive;
}
