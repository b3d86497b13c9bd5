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
      [
        'the first end of a sweep ends it',
        "AND (x.resolved_at IS NULL OR n.event = 'resolved'))),",
        'AND false)),',
        { only: 'one event for PagerDuty' },
      ],
      [
        'what a cause held that somebody has is never told',
        "(r.is_pager OR s.state = 'open') AND (r.min_severity",
        '(r.min_severity',
        { only: 'if somebody has acknowledged the cause' },
      ],
      [
        'a cause that comes right at this moment is not waited for',
        'ORDER BY r.id FOR SHARE;',
        'ORDER BY r.id;',
        { only: 'while its cause comes right' },
      ],
      [
        'a pager does not hear late of an acknowledgement',
        "AND a.kind = 'acknowledged' AND a.id > e.id",
        'AND false',
        { only: 'that came before it was told' },
      ],
      [
        'a rise is not told of what somebody has',
        " OR e.kind = 'raised')\n        AND",
        ')\n        AND',
        { only: 'also of what somebody has' },
      ],
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
      [
        'the end is dropped if any message before it has failed',
        "AND before.event <> 'acknowledged' AND j.state IS DISTINCT FROM 'failed'",
        '',
        { only: 'hears of the end, although' },
      ],
      ['what is over is told by a replay', 'AND e.id > n.incident_event_id', 'AND false', { only: 'is not replayed' }],
    ],
  ),
  faultsIn(
    at.END_BY_SETTINGS,
    [at.SETTINGS_TESTS],
    [
      ['a mute of the type ends nothing', 'OR t.mute_timeliness_check', '', { only: 'when its type is muted' }],
      [
        'what is found after its end never ends',
        "<= p_now - interval '24 hours'",
        "<= p_now - interval '24 years'",
        { only: 'a day later, if nothing came' },
      ],
      [
        'what is late again a day later ends at once',
        'greatest(j.detected_at, j.run_until)',
        'j.detected_at',
        { only: 'late again a day later' },
      ],
      ['a longer threshold ends nothing', 'OR j.in_time AND NOT j.is_same_threshold', '', { only: 'when the threshold is longer' }],
    ],
  ),
  faultsIn(
    at.REMIND,
    [at.FOLDING_TESTS],
    [
      [
        'ticks that come at once remind twice',
        "PERFORM pg_advisory_xact_lock(hashtextextended('reminders', 0));",
        '',
        { only: 'however many ticks' },
      ],
      ['a reminder follows the end', 'LIMIT 2000 FOR SHARE OF i', 'LIMIT 2000', { only: 'behind the end' }],
    ],
  ),
  faultsIn(
    at.PUT_OFF,
    [at.FOLDING_TESTS],
    [['a silence that ends at this moment holds', 'ORDER BY s.id FOR SHARE;', 'ORDER BY s.id;', { only: 'while something is put off' }]],
  ),
  faultsIn(
    at.INTERVAL_SLOTS,
    [at.SCHEDULES_TESTS],
    [
      [
        'an interval is counted from when it was set',
        'coalesce(p_last_start, p_from) AS anchor',
        'p_from AS anchor',
        { only: 'by an interval' },
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
        'AND (e.scheduled_for IS NULL OR m.is_interval) AND NOT e.is_placeholder)',
        'AND false)',
        { only: 'is not blamed' },
      ],
      [
        'a start dated far ahead covers everything',
        "e.start_date <= p_now + interval '1 hour'\n",
        'true\n',
        { only: 'a wrong clock dates far ahead' },
      ],
      [
        'the parts of a check are told one by one',
        'IF v_first_id IS NOT NULL AND v_notify_id IS NOT NULL THEN',
        'v_first_id := NULL;\n  IF false THEN',
        { only: 'very many pipelines' },
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
