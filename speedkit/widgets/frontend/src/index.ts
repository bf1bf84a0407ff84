import { mounted } from "./mount.tsx";
import { Workbench } from "./Workbench.tsx";

export default mounted(Workbench);
