import { Badge } from '../frame/elements.tsx'
import { PROBLEMS } from '../frame/problems.ts'
import { CALM, type Mark } from './shape.ts'

const Sign = ({ word, sign, tone }: Omit<Mark, 'calm'>) => (
  <span class={`badge ${tone}`}>
    <span aria-hidden="true">{sign}</span> {word}
  </span>
)

/** The problems of an address or a pipeline; each says whether somebody has it. */
export const Marks = ({ wrong }: { wrong: Mark[] }) => (
  <>
    {wrong.map((mark) => (
      <>
        <Sign {...mark} />
        {mark.calm ? <Badge state={mark.calm} /> : null}{' '}
      </>
    ))}
  </>
)

/** What the marks of the drawing mean. */
export const Legend = () => (
  <p class="legend">
    {PROBLEMS.map(({ badge }) => (
      <Sign {...badge} />
    ))}
    {CALM.map((calm) => (
      <Badge state={calm} />
    ))}
    <span class="badge deprecated">deprecated</span>
  </p>
)
