import { useId } from "preact/hooks";
import type { Filter, Operator, Property } from "../../service/query";
import { texts } from "../../texts/en";

const OPERATORS = Object.keys(texts.sessions.operators) as Operator[];

interface FiltersProps {
  filters: Filter[];
  properties: Property[];
  change: (filters: Filter[]) => void;
}

/** Conditions on details and other properties; the metamodel suggests both names and values. */
export function Filters({ filters, properties, change }: FiltersProps) {
  const id = useId();
  const put = (at: number, some: Partial<Filter>) =>
    change(filters.map((filter, index) => (index === at ? { ...filter, ...some } : filter)));
  return (
    <fieldset class="filters">
      <legend class="unseen">{texts.sessions.filters}</legend>
      <datalist id={`${id}-paths`}>
        {properties.map(({ path, label }) => (
          <option key={path} value={path}>
            {label}
          </option>
        ))}
      </datalist>
      {filters.map(({ path, operator, value }, at) => (
        <div class="filter" key={at} role="group" aria-label={`${texts.sessions.filters} ${at + 1}`}>
          <input
            aria-label={texts.sessions.property}
            placeholder={texts.sessions.property}
            list={`${id}-paths`}
            value={path}
            onInput={(event) => put(at, { path: event.currentTarget.value.trim() })}
          />
          <select
            aria-label={texts.sessions.operator}
            value={operator}
            onChange={(event) => put(at, { operator: event.currentTarget.value as Operator })}
          >
            {OPERATORS.map((one) => (
              <option key={one} value={one}>
                {texts.sessions.operators[one]}
              </option>
            ))}
          </select>
          {operator !== "missing" && (
            <input
              aria-label={texts.sessions.value}
              placeholder={hintOf(properties, path)}
              list={`${id}-values-${at}`}
              value={value}
              onInput={(event) => put(at, { value: event.currentTarget.value })}
            />
          )}
          <datalist id={`${id}-values-${at}`}>
            {(properties.find((it) => it.path === path)?.values ?? []).map((one) => (
              <option key={String(one)} value={String(one)} />
            ))}
          </datalist>
          <button
            type="button"
            class="plain"
            aria-label={texts.sessions.removeFilter}
            onClick={() => change(filters.filter((_, index) => index !== at))}
          >
            ✕
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() => change([...filters, { path: firstPath(properties), operator: "is", value: "" }])}
      >
        {texts.sessions.addFilter}
      </button>
    </fieldset>
  );
}

const firstPath = (properties: Property[]) => properties.find(({ path }) => path.startsWith("details."))?.path ?? "identifier";

function hintOf(properties: Property[], path: string): string {
  const property = properties.find((it) => it.path === path);
  if (property?.minimum == null) return texts.sessions.value;
  return `${property.minimum} … ${property.maximum}`;
}
