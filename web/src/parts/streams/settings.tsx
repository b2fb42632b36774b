import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Failure, wordsOf, type Service } from "../../service/service";
import { changeStream, readSetting, writeSetting, type Stream } from "../../service/streams";
import { texts } from "../../texts/en";

interface SettingsProps {
  stream: Stream;
  service: Service;
  editable: boolean;
  changed: () => void;
  remove: () => void;
}

/** The settings of a stream. What is typed stays until it is saved, whatever comes from the service meanwhile. */
export function Settings({ stream, service, editable, changed, remove }: SettingsProps) {
  const words = texts.streams;
  const typed = useSignal<Record<string, string>>({});
  const failure = useSignal<{ words: string; field: string | null } | null>(null);
  const busy = useSignal(false);
  const form = useRef<HTMLFormElement>(null);
  const names = Object.keys(stream.settings);
  if (!editable) {
    return (
      <dl class="stream-settings">
        {names.map((name) => [<dt key={`${name} `}>{name}</dt>, <dd key={name}>{writeSetting(stream.settings[name])}</dd>])}
      </dl>
    );
  }
  const save = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    try {
      await changeStream(service, stream, Object.fromEntries(Object.entries(typed.value).map(([name, text]) => [name, readSetting(text)])));
      [typed.value, failure.value] = [{}, null];
      changed();
    } catch (error) {
      failure.value = { words: wordsOf(error), field: error instanceof Failure ? error.field : null };
      const field = form.current?.elements.namedItem(failure.value.field?.split(".")[0] ?? "");
      if (field instanceof HTMLElement) field.focus();
    }
    busy.value = false;
  };
  return (
    <form class="stream-form" ref={form} onSubmit={save}>
      {names.map((name) => {
        const now = writeSetting(stream.settings[name]);
        return (
          <label key={name}>
            <span>{name}</span>
            <input
              name={name}
              value={typed.value[name] ?? now}
              placeholder={words.theDefault}
              spellcheck={false}
              aria-invalid={failure.value?.field?.split(".")[0] === name}
              onInput={({ currentTarget: { value } }) => {
                const { [name]: _, ...others } = typed.value;
                typed.value = value === now ? others : { ...others, [name]: value };
              }}
            />
          </label>
        );
      })}
      <p class="quiet">{words.settingsHint}</p>
      {failure.value !== null && (
        <p class="board-failed" role="alert">
          {failure.value.words}
        </p>
      )}
      <p class="stream-tools">
        <button type="submit" disabled={busy.value || Object.keys(typed.value).length === 0}>
          {words.save}
        </button>
        <button type="button" disabled={busy.value || Object.keys(typed.value).length === 0} onClick={() => (typed.value = {})}>
          {texts.cancel}
        </button>
        <button type="button" disabled={busy} onClick={remove}>
          {words.remove}
        </button>
      </p>
    </form>
  );
}
