import { duration, secondsBetween } from '../../core/figures.ts'
import { inMinutes } from '../../core/instant.ts'
import { Badge, toneOf } from '../frame/elements.tsx'
import { DAY_SECONDS } from '../frame/problems.ts'
import { type Overview, RUN_STATES } from './queries.ts'

type PipelineRow = Overview['pipelines'][number]
type Mark = PipelineRow['marks'][number]

/** The runs of the last 24 hours, one strip for each pipeline. */
export const Strips = ({ rows, now }: { rows: PipelineRow[]; now: string }) => (
  <>
    <p class="legend" aria-hidden="true">
      {RUN_STATES.map((state) => (
        <Badge state={state} />
      ))}
    </p>
    <div class="hours" aria-hidden="true">
      <span>Pipeline</span>
      <div>
        <span>24 h ago</span>
        <span>18 h</span>
        <span>12 h</span>
        <span>6 h</span>
        <span>now</span>
      </div>
    </div>
    <div class="strips">
      {rows.map((row) => (
        <div class="strip" id={`pipeline-${row.id}`}>
          <div>
            <div class="name">
              <a href={`/pipelines/${row.id}`} title={row.name}>
                {row.name}
              </a>
            </div>
            <div class="what">
              <span>{row.type_name}</span>
              {statesOf(row).map((state) => (
                <Badge state={state} />
              ))}
            </div>
          </div>
          <div>
            <span class="visually-hidden">{summarise(row.states)}</span>
            <Strip marks={row.marks} pipelineId={row.id} now={now} />
          </div>
        </div>
      ))}
    </div>
  </>
)

const statesOf = (row: PipelineRow): string[] => [
  ...(row.active ? [] : ['inactive']),
  ...row.wrong,
  ...(row.running ? ['running'] : []),
  ...(row.is_silenced ? ['silenced'] : []),
  ...(row.is_muted ? ['muted'] : []),
]

const summarise = (states: PipelineRow['states']): string => {
  const counts = Object.entries(states)
  const runs = counts.reduce((sum, [, count]) => sum + count, 0)
  if (runs === 0) return 'No run in the last 24 hours'
  return `${runs} ${runs === 1 ? 'run' : 'runs'} in the last 24 hours: ${counts.map(([state, count]) => `${count} ${state}`).join(', ')}`
}

/**
 * Draws the last 24 hours from left to right, one unit a minute. A mark is at least six minutes wide, to be visible. Marks of good
 * runs are one path, without a link each: a page of pipelines that run every quarter of an hour would else have a megabyte.
 */
const Strip = ({ marks, pipelineId, now }: { marks: Mark[]; pipelineId: number; now: string }) => {
  const minutes = DAY_SECONDS / 60
  const toX = (at: string) => Math.max(0, minutes - secondsBetween(at, now) / 60)
  const placed = marks.map((mark) => {
    const begin = toX(mark.start_date)
    return { ...mark, x: begin.toFixed(1), width: Math.max(6, toX(mark.end_date) - begin).toFixed(1) }
  })
  const good = placed.filter(({ state }) => state === 'succeeded')
  return (
    <svg viewBox={`0 0 ${minutes} 24`} preserveAspectRatio="none" aria-hidden="true">
      <path class="run succeeded" d={good.map(({ x, width }) => `M${x} 3h${width}v18h-${width}z`).join('')} />
      {placed
        .filter((mark) => !good.includes(mark))
        .map(({ id, state, x, width, ...mark }) => (
          <a href={`/pipelines/${pipelineId}?execution=${id}`} tabindex={-1}>
            <rect class={`run ${toneOf(state)}`} x={x} y="3" width={width} height="18">
              <title>{describe({ state, ...mark })}</title>
            </rect>
          </a>
        ))}
    </svg>
  )
}

const describe = ({ state, runs, start_date, end_date }: Pick<Mark, 'state' | 'runs' | 'start_date' | 'end_date'>): string => {
  const begun = inMinutes(start_date)
  return runs === 1
    ? `${state}, ${begun}, ${duration(secondsBetween(start_date, end_date))}`
    : `${state}, worst of ${runs} runs from ${begun}`
}
