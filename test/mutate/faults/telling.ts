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
        "WHERE w.event IN ('opened', 'reopened', 'raised')),\n  told AS",
        'WHERE false),\n  told AS',
        { only: 'is folded under it' },
      ],
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
      ['a silence holds nothing', 'greatest(d.due_at, s.until) > p_now', 'd.due_at > p_now', { only: 'holds messages' }],
      ['a delay holds nothing', 'greatest(d.due_at, s.until) > p_now', 's.until > p_now', { only: 'of a delayed pipeline' }],
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
    [['a cause has a cause', 'EXIT WHEN NOT FOUND;', 'EXIT;', { only: 'has no cycles|is folded under it' }]],
  ),
  faultsIn(
    at.JUDGE,
    [at.SCHEDULES_TESTS],
    [
      [
        'a run that came is missed',
        'WHERE NOT EXISTS (SELECT FROM pipeline_execution e WHERE e.pipeline_id = m.id AND e.start_date >= s."from")',
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
