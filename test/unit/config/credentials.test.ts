import { describe, expect, it } from 'vitest';
import { lintFor, summaries } from '../../support/configurations.ts';

const RULES = /open-relay|conflict|missing-realm|invalid-user|unused-option|repeated-option|rest-separator/;

/** Findings about credentials, for lines joined by a semicolon. */
const said = (lines: string, version: '4.6.1' | '4.18.0') =>
  summaries(lintFor(version, lines.replaceAll(';', '\n')).filter(({ rule }) => RULES.test(rule)));

// Each was tested on the real 4.6.1 and 4.18.0 by requesting an allocation without credentials.
describe.each(['4.6.1', '4.18.0'] as const)('credentials in %s', (version) => {
  it.each([
    ['lt-cred-mech;realm=x', []],
    ['lt-cred-mech=yes;realm=x', []],
    ['use-auth-secret;realm=x', []],
    // The server ignores its value.
    ['use-auth-secret=0;realm=x', []],
    ['static-auth-secret=abc;realm=x', []],
    ['user=a:b;realm=x', []],
    ['no-auth=0;lt-cred-mech;realm=x', []],
    ['', ['- error open-relay']],
    ['realm=x;oauth', ['- error open-relay']],
    ['no-auth;realm=x', ['1 error open-relay']],
    ['lt-cred-mech;realm=x;no-auth=0', ['3 error open-relay']],
    ['lt-cred-mech;realm=x;no-auth=0;user=a:b', ['3 error open-relay']],
    ['use-auth-secret;realm=x;lt-cred-mech=0', ['3 error open-relay']],
    ['use-auth-secret;realm=x;lt-cred-mech=0;user=a:b', ['3 error open-relay', '4 error unused-option']],
    ['lt-cred-mech=0;realm=x;user=a:b', []],
    ['user=ab;realm=x', ['1 error invalid-user', '- error open-relay']],
    ['user=alice:;realm=x', ['1 error invalid-user', '- error open-relay']],
    ['user=Пётр:pw;realm=x', ['1 error invalid-user', '- error open-relay']],
    ['user=à:pw;realm=x', ['1 error invalid-user', '- error open-relay']],
    ['user=vóz:pw;realm=пример.рф', []],
    ['user=bob:Пароль;realm=x', []],
    ['user=bob:0x00;realm=x', ['1 error invalid-user', '- error open-relay']],
    ['user=bob:0x00112233445566778899aabbccddeeff;realm=x', []],
    ['user=bob: pw;realm=x', ['1 warning invalid-user']],
    ['user=bob:pw;user=bob:pw2;realm=x', ['1 error repeated-option']],
    ['use-auth-secret;user=bob:pw;realm=x', ['2 error unused-option']],
    ['use-auth-secret;lt-cred-mech;realm=x', ['2 note unused-option']],
    ['use-auth-secret;realm=x;rest-api-separator=:', []],
    ['use-auth-secret;realm=x;rest-api-separator=-1', []],
    ['use-auth-secret;realm=x;rest-api-separator=1e3', ['3 error rest-separator']],
    ['use-auth-secret;realm=x;rest-api-separator=0;rest-api-separator=.', ['4 warning repeated-option']],
    ['lt-cred-mech;user=a:b;realm=x;rest-api-separator=0', []],
    ['user=:pw;realm=x', ['1 error invalid-user', '- error open-relay']],
    ['lt-cred-mech;no-auth;realm=x', ['2 error conflict']],
    ['use-auth-secret;no-auth;realm=x', ['2 error conflict']],
    ['lt-cred-mech', ['- warning missing-realm']],
    ['lt-cred-mech;realm=', ['2 warning missing-realm']],
    // The server grants no allocations.
    ['stun-only', []],
  ])('%s: %j', (lines, expected) => expect(said(lines, version)).toEqual(expected));
});
