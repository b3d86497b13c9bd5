/**
 * The service is known to differ from the contract here. What follows cannot be compared, so the life ends. The places that throw it are
 * the list of what is known: take one out when the service is right.
 */
export class Disputed extends Error {}
