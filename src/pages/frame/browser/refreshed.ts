/** The page has brought its contents up to date: what a script has drawn may be drawn anew. */
export const REFRESHED = 'watcher:refreshed'
