import type { ComponentChildren, JSX } from "preact";

interface Action {
  text: string;
  run?: () => void;
  to?: string;
}

/** What stands where there is nothing to show: what that is, and what to do next. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ComponentChildren;
  action?: Action;
}): JSX.Element {
  return (
    <div class="empty" role="status">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action?.to !== undefined && (
        <a class="button" href={action.to}>
          {action.text}
        </a>
      )}
      {action?.run && (
        <button type="button" class="button" onClick={action.run}>
          {action.text}
        </button>
      )}
    </div>
  );
}

/** A question that was refused, where its answer would stand. */
export function Trouble({ text, again }: { text: string; again?: () => void }): JSX.Element {
  return (
    <div class="trouble" role="alert">
      <span>{text}</span>
      {again && (
        <button type="button" class="button small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
