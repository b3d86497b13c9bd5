import { duration, grouped, secondsBetween } from '../../core/figures.ts'
import { Action, Badge, Moment } from '../frame/elements.tsx'
import { Handle } from '../frame/incident-actions.tsx'
import type { ViewScope } from '../frame/page.tsx'
import { explainIncident, wordOf } from '../frame/problems.ts'
import { RunBadges } from '../frame/run.tsx'
import { describeThreshold, Linked } from './about.tsx'
import type { PipelineDetails } from './row.ts'
import { shownRun } from './runs.tsx'
import type { PipelineQuery } from './shape.ts'

type Scope = ViewScope<PipelineQuery>

/** What one needs to know before the runs: what is wrong, who owns it, when it runs, what applies, what lies around it. */
export const Heading = (props: Scope & { details: PipelineDetails }) => {
  const { details, caller, now } = props
  const { pipeline, runs, incidents } = details
  const last = runs[0]
  return (
    <>
      <div class="row">
        <div>
          <h1>{pipeline.name}</h1>
          <p class="legend">
            {incidents.map(({ kind, is_silenced }) => (
              <Badge state={is_silenced ? 'silenced' : wordOf(kind)}>{is_silenced ? `${wordOf(kind)}, silenced` : undefined}</Badge>
            ))}
            {pipeline.active ? null : <Badge state="inactive" />}
            {pipeline.mute_freshness_check ? <Badge state="muted">freshness muted</Badge> : null}
            {pipeline.mute_timeliness_check ? <Badge state="muted">timeliness muted</Badge> : null}
            <span class="soft">last run</span> {last ? <RunBadges run={shownRun(last, details)} now={now} /> : <Badge state="idle" />}
          </p>
        </div>
        {caller.mayWrite ? <Actions pipeline={pipeline} /> : null}
      </div>
      {incidents.length === 0 ? null : (
        <ul class="panel wrong" aria-label="What is wrong now">
          {incidents.map((incident) => (
            <li>
              <a href={`/incidents/${incident.id}`}>{explainIncident(incident.kind, incident.details)}</a>{' '}
              <small>
                for {duration(Math.max(0, secondsBetween(incident.opened_at, now)))}
                {incident.acknowledged_by === null ? ', nobody has it' : `, ${incident.acknowledged_by} has it`}
              </small>
              {caller.mayWrite ? <Handle incident={{ ...incident, pipeline_id: pipeline.id, pipeline_name: pipeline.name }} /> : null}
            </li>
          ))}
        </ul>
      )}
      <About {...props} />
    </>
  )
}

const About = ({ details: { pipeline, sources, targets, downstream_count }, now }: Scope & { details: PipelineDetails }) => (
  <section class="panel" aria-label="About">
    <dl class="facts about">
      <dt>Owner</dt>
      <dd>
        {pipeline.owner === null ? 'none' : <a href={`/pipelines?${new URLSearchParams({ owner: pipeline.owner })}`}>{pipeline.owner}</a>}
      </dd>
      <dt>Type</dt>
      <dd>
        <a href={`/pipelines?type=${pipeline.type.id}`}>{pipeline.type.name}</a> <span class="soft">· id {pipeline.id}</span>
      </dd>
      <dt>Schedule</dt>
      <dd>
        <Schedule pipeline={pipeline} />
      </dd>
      <dt>Timeliness</dt>
      <dd>{describeThreshold(pipeline, 'timeliness')}</dd>
      <dt>Freshness</dt>
      <dd>{describeThreshold(pipeline, 'freshness')}</dd>
      <dt>Runbook</dt>
      <dd>{pipeline.runbook_url === null ? 'none' : <Linked text={pipeline.runbook_url} />}</dd>
      {pipeline.tags.length === 0 ? null : (
        <>
          <dt>Tags</dt>
          <dd>
            {pipeline.tags.map((tag) => (
              <>
                <a class="tag" href={`/pipelines?${new URLSearchParams({ tag })}`}>
                  {tag}
                </a>{' '}
              </>
            ))}
          </dd>
        </>
      )}
      <dt>Lineage</dt>
      <dd>
        <a href="#lineage">
          reads {grouped(sources.length)}, writes {grouped(targets.length)}; {grouped(downstream_count)}{' '}
          {downstream_count === 1 ? 'pipeline' : 'pipelines'} downstream
        </a>
      </dd>
      <dt>Data</dt>
      <dd>
        {lastChangeOf(pipeline) === null ? 'never loaded' : <Moment at={lastChangeOf(pipeline)} as="ago" now={now} />}
        {pipeline.watermark === null ? null : <span class="soft"> · watermark {pipeline.watermark}</span>}
      </dd>
    </dl>
  </section>
)

const lastChangeOf = (pipeline: PipelineDetails['pipeline']): string | null =>
  [pipeline.last_target_insert, pipeline.last_target_update, pipeline.last_target_soft_delete].reduce(
    (last, at) => (at !== null && (last === null || at > last) ? at : last),
    null,
  )

const Schedule = ({ pipeline }: { pipeline: PipelineDetails['pipeline'] }) => {
  const { schedule_cron, schedule_timezone, schedule_number, schedule_datepart, schedule_slot_at, active } = pipeline
  if (schedule_cron === null && schedule_number === null) return <>none: a run that does not start is not noticed</>
  return (
    <>
      {schedule_cron === null ? (
        `at least every ${schedule_number} ${schedule_datepart}${schedule_number === 1 ? '' : 's'}`
      ) : (
        <>
          <code>{schedule_cron}</code> {schedule_timezone ?? 'UTC'}
        </>
      )}
      {schedule_slot_at === null || !active ? null : (
        <>
          , next <Moment at={schedule_slot_at} />
        </>
      )}
    </>
  )
}

const Actions = ({ pipeline }: { pipeline: PipelineDetails['pipeline'] }) => {
  const { id, name, active } = pipeline
  return (
    <div class="legend">
      {(['freshness', 'timeliness'] as const).map((check) => {
        const isMuted = pipeline[`mute_${check}_check`]
        return (
          <Action
            method="PATCH"
            path="/pipeline"
            body={{ id, [`mute_${check}_check`]: !isMuted }}
            ask={isMuted ? `Unmute the ${check} check of ${name}?` : `Mute the ${check} check of ${name}? It then reports nothing.`}
            done={isMuted ? 'Unmuted' : 'Muted'}
          >
            {isMuted ? 'Unmute' : 'Mute'} {check}
          </Action>
        )
      })}
      <Action
        path={`/anomaly_detection/detect/${id}`}
        ask={`Check the latest successful run of ${name} for anomalies?`}
        done="Detection has run"
      >
        Run detection
      </Action>
      <Action
        method="PATCH"
        path="/pipeline"
        body={{ id, active: !active }}
        ask={active ? `Deactivate ${name}? Its checks stop, and Watcher tells its code not to run.` : `Activate ${name}?`}
        done={active ? 'Deactivated' : 'Activated'}
        isDanger={active}
      >
        {active ? 'Deactivate' : 'Activate'}
      </Action>
    </div>
  )
}
