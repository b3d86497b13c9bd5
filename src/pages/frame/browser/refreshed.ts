/** The event after a page has refreshed its contents: scripts may redraw what they have drawn. */
export const REFRESHED = 'watcher:refreshed'
