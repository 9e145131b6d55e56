import type { Projection } from "./projection.ts";
import { services } from "./services.ts";

/** Every read model. */
export const projections: readonly Projection[] = [services];
