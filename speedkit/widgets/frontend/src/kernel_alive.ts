import { useEffect, useState } from "preact/hooks";
import type { Model } from "./link.ts";

// False once the kernel has ended. ipywidgets reports it by these events; a host without them changes nothing.
export function useKernelAlive(model: Model<object>) {
  const [isAlive, setAlive] = useState(true);
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
  return isAlive;
}
