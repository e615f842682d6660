/** The key of the APIs of these runs. */
export const FAULTS_KEY = 'made-up-key-of-the-faults';
export const authorized = { headers: { authorization: `Bearer ${FAULTS_KEY}` } };
