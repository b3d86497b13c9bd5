export const SIGN_IN = '/sign_in'
export const SIGN_OUT = '/sign_out'
