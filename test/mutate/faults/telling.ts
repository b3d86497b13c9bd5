import { faultsIn } from '../fault.ts'
import * as at from './files.ts'

/** Faults in telling people of incidents, and in schedules. */
export const TELLING = [
  faultsIn(
    at.NOTIFY,
    [at.CHANNEL_TESTS, at.FOLDING_TESTS],
    [
      [
        'a message that is on its way is dropped',
        "AND n.state = 'waiting' AND n.attempts = 0;",
        ';',
        { only: 'is kept: "resolved" waits' },
      ],
      [
        'the end is told to who heard nothing of the beginning',
        "last.event <> 'resolved' AND r.send_resolved",
        'r.send_resolved',
        { only: 'begins with the next event|what is over before' },
      ],
      ['a filter by owner is ignored', '(r.owners IS NULL OR e.owner = ANY (r.owners))', 'true', { only: 'is decided by' }],
      ['people hear of what is muted', 'AND (r.is_pager OR NOT e.quiet)', '', { only: 'what is muted ends at a pager' }],
      [
        'an effect is told beside its cause',
        "WHERE w.event IN ('opened', 'reopened', 'raised')),\n  unfolded AS",
        'WHERE false),\n  unfolded AS',
        { only: 'is folded under it' },
      ],
      [
        'many incidents page one by one',
        'OVER (PARTITION BY u.channel_id) > 20',
        'OVER (PARTITION BY u.channel_id) > 99',
        { only: 'one event for PagerDuty' },
      ],
      ['the first end of a sweep ends it', 'AND x.resolved_at IS NULL)),', 'AND false)),', { only: 'one event for PagerDuty' }],
      ['a failing channel hears of itself', 'AND e.failing_id IS DISTINCT FROM r.id ', '', { only: 'through the other channels' }],
    ],
  ),
  faultsIn(
    at.BEGIN_SENDING,
    [at.CHANNEL_TESTS],
    [
      [
        "'resolved' does not wait for 'opened'",
        "AND j.state IN ('waiting', 'running')) THEN",
        'AND false) THEN',
        { only: 'is kept: "resolved" waits' },
      ],
    ],
  ),
  faultsIn(
    at.PUT_OFF,
    [at.CHANNEL_TESTS, at.FOLDING_TESTS],
    [
      [
        'a silence holds nothing',
        'greatest(d.due_at, s.until, quiet.until)',
        'greatest(d.due_at, quiet.until)',
        { only: 'holds messages' },
      ],
      [
        'a delay holds nothing',
        'greatest(d.due_at, s.until, quiet.until)',
        'greatest(s.until, quiet.until)',
        { only: 'of a delayed pipeline' },
      ],
      ['what flaps is told each time', 'AND 2 <= (', 'AND 9 <= (', { only: 'and then after 15 minutes of quiet' }],
    ],
  ),
  faultsIn(
    at.SECRETS,
    [at.CHANNEL_TESTS],
    [['another key opens secrets', 'for (const key of keys) {', 'for (const key of keys.slice(0, 1)) {', { only: 'need a key' }]],
  ),
  faultsIn(
    at.PUBLIC_URL,
    [at.CHANNEL_TESTS],
    [
      ['a private address is taken', "range() === 'unicast'", "range() !== 'loopback'", { only: 'must not lead into a private network' }],
      ['a private name is taken', 'PRIVATE_NAME.test(host) || ', '', { only: 'must not lead into a private network' }],
    ],
  ),
  faultsIn(
    at.CAUSES,
    [at.FOLDING_TESTS],
    [
      [
        'a cause has a cause',
        'WHERE v.root_id NOT IN (SELECT e.effect_id FROM valid e)',
        'WHERE true',
        { only: 'has no cycles|is folded under it' },
      ],
    ],
  ),
  faultsIn(
    at.SETTLE_ANOMALIES,
    [at.INCIDENT_TESTS],
    [
      [
        'one clean rule ends the incident of all',
        'WHERE r.pipeline_id = p_pipeline_id AND r.active AND f.detected_at',
        'WHERE false AND f.detected_at',
        { only: 'says nothing about the metric' },
      ],
      [
        'a deactivated rule keeps an incident open',
        'AND r.active AND f.detected_at',
        'AND f.detected_at',
        { only: 'rules that flagged are deactivated' },
      ],
    ],
  ),
  faultsIn(
    at.REQUEST_DEADLINE,
    [at.TIMELINESS_TESTS],
    [['a deadline before the next tick has no job', 'IF p_at > p_now AND', 'IF false AND', { only: 'within a minute' }]],
  ),
  faultsIn(
    at.END,
    [at.INCIDENT_TESTS],
    [
      [
        'a failure and a success do not see each other',
        'PERFORM pg_advisory_xact_lock_shared(',
        'PERFORM abs(',
        { only: 'at the same moment' },
      ],
    ],
  ),
  faultsIn(
    at.JUDGE,
    [at.SCHEDULES_TESTS],
    [
      [
        'a run that came is missed',
        'AND e.start_date >= s."from" AND e.scheduled_for IS NULL AND NOT e.is_placeholder)',
        'WHERE true',
        { only: 'is not blamed' },
      ],
    ],
  ),
  faultsIn(
    at.SLOTS,
    [at.SCHEDULES_TESTS],
    [
      [
        'a run may come early by more than half of the distance',
        'Math.min(graceMinutes * MINUTE_MILLIS, half)',
        'graceMinutes * MINUTE_MILLIS',
        { only: 'takes a run before its time' },
      ],
      ['a change of the clock gives no more time', '? HOUR_MILLIS : 0', '? 0 : 0', { only: 'near a change of the clock' }],
    ],
  ),
].flat()
