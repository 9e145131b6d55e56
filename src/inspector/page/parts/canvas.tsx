import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface ViewBox {
  x: number;
  y: number;
  scale: number;
}

const SMALLEST = 0.1;
const LARGEST = 2.5;

interface CanvasOf {
  /** Size of what is drawn. */
  width: number;
  height: number;
  label: string;
  children: ComponentChildren;
  /** It is fitted anew when this changes. */
  fitKey: unknown;
  /** A drawing that is larger than the room is shown no smaller than this at first. */
  smallestFit?: number;
}

/** A drawing that is moved by dragging, enlarged by the wheel with Ctrl or by the buttons, and fitted by a double click. */
export function Canvas({
  width,
  height,
  label,
  children,
  fitKey,
  smallestFit = 0.45,
}: CanvasOf): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<ViewBox>({ x: 0, y: 0, scale: 1 });
  const drag = useRef<{ x: number; y: number } | undefined>(undefined);

  const fit = (smallest = SMALLEST): void => {
    const box = frame.current?.getBoundingClientRect();
    if (!box || width === 0 || height === 0) return;
    const whole = Math.min(box.width / width, box.height / height, 1);
    const scale = Math.max(smallest, whole);
    setView({
      scale,
      x: Math.max(0, (box.width - width * scale) / 2),
      y: Math.max(0, (box.height - height * scale) / 2),
    });
  };
  useLayoutEffect(() => fit(smallestFit), [fitKey, width, height]);
  useEffect(() => {
    const observer = new ResizeObserver(() => fit(smallestFit));
    if (frame.current) observer.observe(frame.current);
    return () => observer.disconnect();
  }, [width, height]);

  const zoom = (factor: number, at?: { x: number; y: number }): void => {
    const box = frame.current?.getBoundingClientRect();
    if (!box) return;
    const middle = at ?? { x: box.width / 2, y: box.height / 2 };
    setView(({ x, y, scale }) => {
      const next = Math.min(LARGEST, Math.max(SMALLEST, scale * factor));
      const by = next / scale;
      return { scale: next, x: middle.x - (middle.x - x) * by, y: middle.y - (middle.y - y) * by };
    });
  };
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const box = frame.current?.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey)
      zoom(Math.exp(-event.deltaY / 200), {
        x: event.clientX - (box?.left ?? 0),
        y: event.clientY - (box?.top ?? 0),
      });
    else setView(({ x, y, scale }) => ({ scale, x: x - event.deltaX, y: y - event.deltaY }));
  };
  useEffect(() => {
    const { current } = frame;
    current?.addEventListener("wheel", wheel, { passive: false });
    return () => current?.removeEventListener("wheel", wheel);
  }, []);

  return (
    <div class="canvas">
      <div
        ref={frame}
        class="canvas-frame"
        role="group"
        aria-label={label}
        onDblClick={() => fit()}
        onPointerDown={(event) => {
          if (event.target instanceof Element && event.target.closest("a, button, [data-edge]"))
            return;
          drag.current = { x: event.clientX - view.x, y: event.clientY - view.y };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (from)
            setView(({ scale }) => ({
              scale,
              x: event.clientX - from.x,
              y: event.clientY - from.y,
            }));
        }}
        onPointerUp={() => (drag.current = undefined)}
      >
        <div
          class="canvas-plane"
          style={{
            width: `${width}px`,
            height: `${height}px`,
            transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
          }}
        >
          {children}
        </div>
      </div>
      <div class="canvas-buttons">
        <button type="button" class="icon-button" aria-label="Larger" onClick={() => zoom(1.25)}>
          +
        </button>
        <button type="button" class="icon-button" aria-label="Smaller" onClick={() => zoom(0.8)}>
          −
        </button>
        <button type="button" class="icon-button" aria-label="Show all of it" onClick={() => fit()}>
          ⤢
        </button>
      </div>
    </div>
  );
}
