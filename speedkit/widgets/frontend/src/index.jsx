import { mounted } from "./mount.jsx";
import { Workbench } from "./Workbench.jsx";

export default mounted(Workbench);
