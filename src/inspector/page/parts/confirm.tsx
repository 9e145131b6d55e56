import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Question {
  title: string;
  text: string;
  /** What the button says that does it. */
  verb: string;
  hurts?: boolean;
  answer: (yes: boolean) => void;
}

const asked = signal<Question | undefined>(undefined);

/** Asks before something that hurts. */
export const confirm = (question: Omit<Question, "answer">): Promise<boolean> =>
  new Promise((resolve) => {
    asked.value?.answer(false);
    asked.value = { ...question, answer: resolve };
  });

export function ConfirmHost(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const question = asked.value;
  useEffect(() => {
    if (question) dialog.current?.showModal();
    else dialog.current?.close();
  }, [question]);
  const close = (yes: boolean): void => {
    question?.answer(yes);
    asked.value = undefined;
  };
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="confirm-title"
      onClose={() => question && close(false)}
    >
      {question && (
        <>
          <h2 id="confirm-title">{question.title}</h2>
          <p>{question.text}</p>
          <div class="dialog-buttons">
            <button type="button" class="button" onClick={() => close(false)}>
              Cancel
            </button>
            <button
              type="button"
              class={question.hurts ? "button danger" : "button primary"}
              onClick={() => close(true)}
            >
              {question.verb}
            </button>
          </div>
        </>
      )}
    </dialog>
  );
}
