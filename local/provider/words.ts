import type { ErrorCode } from '../../lib/core/errors.ts';
import type { Warning } from '../../lib/core/provider.ts';

const CREDENTIALS = 'The provider rejects the credentials: update the secret.';
const UNEXPLAINED =
  'The provider refuses without a reason: check the request above, the address, and whether a firewall is on the way.';
const DEFINITION = 'Compare "answer" in the definition with what the vendor documents.';
const LATER = 'Try again later.';

/** The advice for each error code, for the author of a definition. */
const advice: Partial<Readonly<Record<ErrorCode, string>>> = {
  invalid_client: CREDENTIALS,
  invalid_grant: CREDENTIALS,
  access_denied: CREDENTIALS,
  session_refused: 'The provider refuses the refresh token that it gave: check "refresh" in the definition.',
  subscription_key_refused: 'The provider refuses the subscription key: correct it in the secret.',
  account_restricted: 'The account is locked or restricted: unlock it at the provider.',
  unauthorized_client: 'The provider does not allow this grant for the application: have the provider enable it.',
  unsupported_grant_type: 'The provider does not support the grant: check "login" and "refresh" in the definition.',
  invalid_scope: 'The application lacks a scope: add it at the provider, or take it out of the secret.',
  invalid_request: 'The provider finds the request malformed: compare it with what the vendor documents.',
  access_refused: UNEXPLAINED,
  request_rejected: UNEXPLAINED,
  redirected: 'The address redirects, and credentials follow no redirect: write the final address.',
  malformed_answer: `The answer has no usable token where the definition looks for it. ${DEFINITION}`,
  empty_access_token: `The answer has an empty token. ${DEFINITION}`,
  invalid_lifetime: `The answer has an expiry that has passed. ${DEFINITION}`,
  answer_too_large: 'The answer is too large: check the address.',
  organisation_mismatch: 'The token is for another organisation than the secret names: check both.',
  service_uri_refused: 'The base URL is on a host that "hosts" does not name: add it if it is right.',
  address_refused: 'The address may not be called: check "base".',
  network: 'The provider cannot be reached: check "base" and the network.',
  timeout: 'The provider did not answer in time: try again, or set "callDeadline".',
  rate_limited: `The provider limits the rate of calls. ${LATER}`,
  provider_error: `The provider has an error. ${LATER}`,
  server_error: `The provider has an error. ${LATER}`,
  temporarily_unavailable: `The provider is unavailable. ${LATER}`,
};

export const adviceOn = (code: ErrorCode): string => advice[code] ?? 'This is a bug: report it.';

export const warningWords: Readonly<Record<Warning, string>> = {
  scope_narrowed: 'fewer scopes were granted than the secret asks for',
  lifetime_capped: 'the answer states an implausibly long lifetime, so "lifetime" is used',
  lifetime_assumed: 'the answer states no expiry, so "lifetime" is used: check "answer.expiry"',
  lifetime_unit_guessed: 'the expiry is too short for milliseconds, so it was read as seconds: check "answer.expiry"',
  lifetime_implausible: 'the expiry is implausibly short: check its unit in "answer.expiry"',
  lifetime_short:
    'the token expires too soon for the schedule, which follows "lifetime": set "lifetime" to the real value',
};
