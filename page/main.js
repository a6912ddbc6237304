// Where it begins: in the page, or in the worker that thinks for it.

import { start } from "./interface.js";
import { listen } from "./thinking.js";

if (globalThis.document) start();
else listen();
