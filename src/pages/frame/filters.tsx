import type { Child } from 'hono/jsx'
import type { ChosenPipelines } from './chosen.ts'

/** The form above a list. A choice applies at once, a text with Enter or the button; empty fields stay out of the address. */
export const FilterBar = ({ action, children }: { action: string; children: Child }) => (
  <form class="filters" action={action}>
    {children}
    <button type="submit">Show</button>
  </form>
)

/** A text to search for. */
export const TextFilter = (props: { label: string; name: string; value: string; placeholder: string }) => (
  <label>
    {props.label}
    <input type="search" name={props.name} value={props.value} placeholder={props.placeholder} />
  </label>
)

/** One of some values. Without `all` one is always chosen. An option is its value, or its value and its words. */
export const Choice = (props: {
  label: string
  name: string
  options: readonly (string | readonly [value: string, words: string])[]
  chosen: string | undefined
  all?: string
}) => (
  <label>
    {props.label}
    <select name={props.name}>
      {props.all === undefined ? null : <option value="">{props.all}</option>}
      {props.options.map((option) => {
        const [value, words] = typeof option === 'string' ? [option, option] : option
        return (
          <option value={value} selected={value === props.chosen}>
            {words}
          </option>
        )
      })}
    </select>
  </label>
)

/** One pipeline type, or all. */
export const TypeChoice = ({ types, chosen }: { types: { id: number; name: string }[]; chosen: number | undefined }) => (
  <Choice
    label="Type"
    name="type"
    all="all"
    options={types.map(({ id, name }) => [String(id), name] as const)}
    chosen={chosen?.toString()}
  />
)

/** Which pipelines a list shows. */
export const PipelineFilters = ({ query, types }: { query: ChosenPipelines; types: { id: number; name: string }[] }) => (
  <>
    <TextFilter label="Name" name="search" value={query.search} placeholder="part of the name" />
    <OwnerFilters query={query} />
    <TypeChoice types={types} chosen={query.type} />
  </>
)

/** Who owns a pipeline, and its tag: exact names. */
export const OwnerFilters = ({ query: { owner, tag } }: { query: { owner: string; tag: string } }) => (
  <>
    <TextFilter label="Owner" name="owner" value={owner} placeholder="exact name" />
    <TextFilter label="Tag" name="tag" value={tag} placeholder="exact tag" />
  </>
)
