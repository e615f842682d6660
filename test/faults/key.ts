/** The key of the APIs of these runs. */
export const KEY = 'made-up-key-of-the-faults';
export const authorized = { headers: { authorization: `Bearer ${KEY}` } };
