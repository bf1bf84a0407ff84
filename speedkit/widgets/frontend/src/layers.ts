import { LayersView } from "./LayersView.tsx";
import { mounted } from "./mount.tsx";

export default mounted(LayersView);
