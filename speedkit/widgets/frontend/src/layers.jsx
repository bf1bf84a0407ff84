import { LayersView } from "./LayersView.jsx";
import { mounted } from "./mount.jsx";

export default mounted(LayersView);
