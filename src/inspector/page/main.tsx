import { render } from "preact";
import { App } from "./app.tsx";
import "./theme.css";
import "./shell.css";
import "./parts/parts.css";
import "./overview/overview.css";
import "./service/service.css";
import "./service/chart.css";
import "./service/story.css";
import "./past/past.css";
import "./machine/machines.css";
import "./above.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
