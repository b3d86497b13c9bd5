import { duration, secondsBetween } from '../../core/figures.ts'
import { Badge } from './elements.tsx'

/** What the pages say of a run, everywhere in the same words. */

export interface ShownRun {
  start_date: string
  end_date: string | null
  duration_seconds: number | null
  completed_successfully: boolean | null
  total_rows: number | null
  /** The words of the checks that found something about it. */
  findings: readonly string[]
  /** Of the pipeline's last good runs, if it has some: the longest duration, and the median of their rows. */
  longest_seconds: number | null
  typical_rows: number | null
}

export const outcomeOf = ({ completed_successfully: succeeded }: Pick<ShownRun, 'completed_successfully'>): string =>
  succeeded === null ? 'running' : succeeded ? 'succeeded' : 'failed'

/** Seconds that the run took, or takes so far. */
export const secondsOf = ({ duration_seconds, start_date, end_date }: ShownRun, now: string): number =>
  duration_seconds ?? Math.max(0, secondsBetween(start_date, end_date ?? now))

/** What is remarkable about the run, the worst first; nothing: it is as always. */
const remarksOn = (run: ShownRun, now: string): string[] => {
  const { findings, longest_seconds: longest, typical_rows: rows } = run
  const isLong = run.end_date === null && longest !== null && secondsOf(run, now) > longest && !findings.includes('late')
  const isEmpty = run.completed_successfully === true && run.total_rows === 0 && (rows ?? 0) > 0 && !findings.includes('anomalous')
  return [...findings, ...(isLong ? ['unusually long'] : []), ...(isEmpty ? ['no rows'] : [])]
}

/** The worst of what can be said of the run: its colour in drawings. */
export const worstOf = (run: ShownRun, now: string): string =>
  run.completed_successfully === false ? 'failed' : (remarksOn(run, now)[0] ?? outcomeOf(run))

/** The badges of a run. A good run with a remark is not plainly green. */
export const RunBadges = ({ run, now }: { run: ShownRun; now: string }) => {
  const remarks = remarksOn(run, now)
  const outcome = outcomeOf(run)
  return (
    <>
      {remarks.map((remark) => (
        <>
          <Badge state={remark} />{' '}
        </>
      ))}
      {outcome === 'succeeded' && remarks.length > 0 ? <Badge state="idle">succeeded</Badge> : <Badge state={outcome} />}
    </>
  )
}

/** `took 5 min`, or `running for 5 min`: never one for the other. */
export const RunTime = ({ run, now }: { run: ShownRun; now: string }) => (
  <>
    {run.end_date === null ? <small>for </small> : null}
    {duration(secondsOf(run, now))}
  </>
)

/** Why a failed run failed; nothing for other runs. Where the client sent nothing, what to send. */
export const Why = ({ run: { completed_successfully, why } }: { run: { completed_successfully: boolean | null; why: string | null } }) =>
  completed_successfully !== false ? null : why === null ? (
    <span class="soft">
      no reason given: send <code>execution_metadata.error</code> with the end (<a href="/docs/sdk#why-a-run-failed">how</a>)
    </span>
  ) : (
    <span>{why}</span>
  )
