/** The contract leaves open what comes of this. What follows cannot be compared, so the life ends. */
export class Disputed extends Error {}
