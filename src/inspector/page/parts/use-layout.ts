import { useEffect, useState } from "preact/hooks";
import {
  type Box,
  layOut,
  type Layout,
  type LayoutOptions,
  type Link,
} from "../../../diagram/layout.ts";
import { elk } from "../data/elk.ts";

export interface Drawn {
  layout: Layout | undefined;
  problem: string | undefined;
}

/**
 * Lays a drawing out when its shape changes; the last one stays until then.
 *
 * @param key says what the boxes and links are, in words
 */
export function useLayout(
  key: string,
  make: () => { boxes: readonly Box[]; links: readonly Link[]; options: LayoutOptions },
): Drawn {
  const [drawn, setDrawn] = useState<Drawn>({ layout: undefined, problem: undefined });
  useEffect(() => {
    let isWanted = true;
    const { boxes, links, options } = make();
    elk()
      .then((library) => layOut(library, boxes, links, options))
      .then((layout) => isWanted && setDrawn({ layout, problem: undefined }))
      .catch((error: unknown) => {
        if (isWanted)
          setDrawn({
            layout: undefined,
            problem: `It could not be drawn: ${error instanceof Error ? error.message : String(error)}`,
          });
      });
    return () => {
      isWanted = false;
    };
  }, [key]);
  return drawn;
}
