import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { texts } from "../texts/en";

export interface DialogProps {
  title: string;
  close: () => void;
  children: ComponentChildren;
  kind?: string; // a class of its own
  stays?: boolean; // it cannot be closed without an answer
}

/** Something that is in front of everything else: the browser keeps the focus in it, and Escape closes it. */
export function Dialog({ title, close, children, kind = "", stays = false }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${kind}`}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        if (!stays) close();
      }}
      onClick={(event) => event.target === dialog.current && !stays && close()}
    >
      <div class="dialog-body">
        <header>
          <h2 id={heading}>{title}</h2>
          {!stays && (
            <button type="button" class="plain" aria-label={texts.close} onClick={close}>
              ✕
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
}
