import { CHANNEL_KINDS } from './channels/index.ts'
import { routes } from './routes.ts'
import { WEEKDAYS } from './silences.ts'
import { NOTIFICATION_EVENTS, NOTIFICATION_STATES } from './table.ts'

/** Who is told of incidents, and whether it arrived. */
export const notifications = {
  tags: [{ name: 'Channels', description: 'Where people are told of incidents, and what became of each message.' }],
  enums: () => ({
    ChannelKind: CHANNEL_KINDS,
    NotificationEvent: NOTIFICATION_EVENTS,
    NotificationState: NOTIFICATION_STATES,
    Weekday: WEEKDAYS,
  }),
  routes,
}
