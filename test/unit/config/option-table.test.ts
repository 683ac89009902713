import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OptionTableError, parseOptionList, parseOptionTable } from '../../../src/config/option-table.ts';

/** A table with the given entries and enough others, in the shape of mainrelay.c. */
const table = (entries: string) => `
int x;
static const struct myoption long_options[] = {
${entries}
${Array.from({ length: 60 }, (_, i) => `  {"filler-${i}", no_argument, NULL, ${i}},`).join('\n')}
  {NULL, no_argument, NULL, 0}};
static const struct myoption admin_long_options[] = {
  {"admin-only", no_argument, NULL, 'x'},
};`;

const find = (source: string, name: string) =>
  parseOptionTable(source).find((option) => option.name === name);

describe('parseOptionTable', () => {
  it('reads names, kinds and conditions', () => {
    const source = table(`
/* deprecated: */ { "prod", optional_argument, NULL, 1 },
  { "realm", required_argument, NULL, 'r' }, { "fingerprint", optional_argument, NULL, 'f' },
#if !defined(TURN_NO_PROMETHEUS)
  {"prometheus", optional_argument, NULL, 2},
#ifdef MORE
  {"nested", no_argument, NULL, 2},
#else
  {"other", no_argument, NULL, 2},
#endif
#endif
  // {"commented", no_argument, NULL, 3},
  /* {"gone", no_argument, NULL, 3}, */
  {"last", no_argument, NULL, 3},`);
    expect(find(source, 'realm')).toEqual({ name: 'realm', value: 'required', conditions: [] });
    expect(find(source, 'prod')?.value).toBe('optional');
    expect(find(source, 'fingerprint')).toBeDefined();
    expect(find(source, 'prometheus')?.conditions).toEqual(['!defined(TURN_NO_PROMETHEUS)']);
    expect(find(source, 'nested')?.conditions).toEqual(['!defined(TURN_NO_PROMETHEUS)', 'defined(MORE)']);
    expect(find(source, 'other')?.conditions).toEqual(['!defined(TURN_NO_PROMETHEUS)', '!(defined(MORE))']);
    expect(find(source, 'last')?.conditions).toEqual([]);
    for (const absent of ['admin-only', 'commented', 'gone']) expect(find(source, absent)).toBeUndefined();
  });

  it.each([
    ['no table', 'int main(void) { return 0; }'],
    ['a table that it cannot parse', 'struct myoption long_options[] = { OPTIONS };'],
  ])('refuses %s', (_, source) => expect(() => parseOptionTable(source)).toThrow(OptionTableError));
});

/** set_option() and read_config_file() in the two layouts that coturn has used. */
const FUNCTIONS = {
  'until 4.6.1': `
static void set_option(int c, char *value)
{
  switch (c) {
	case 'p':
		turn_params.listener_port = atoi(value);
		break;
	case NONCE_OPT:
		turn_params.stale_nonce = get_int_value(value, 600);
		break;
	case RFC_OPT:
		turn_params.rfc5780 = 0;
		break;
	case RELAY_OPT: /* get_int_value( */
		turn_params.no_tcp_relay = get_bool_value(value);
		break;
	case 'r':
		set_default_realm_name(value);
		break;
	case 'l':
	case SYSLOG_OPT:
	case 'c':
		break;
	default:
		exit(-1);
  }
}

static void read_config_file(int argc, char **argv, int pass)
{
	if((pass == 0) && (c == 'l')) {
		set_logfile(value);
	} else if((pass==0) && (c==SYSLOG_OPT)) {
		set_log_to_syslog(get_bool_value(value));
	}
}`,
  since: `
static void set_option(int c, char *value) {
  switch (c) {
  case 'p':
    turn_params.listener_port = atoi(value);
    break;
  case NONCE_OPT: {
    turn_params.stale_nonce = get_int_value(value, 600);
  } break;
  case RFC_OPT:
    turn_params.rfc5780 = 0;
    break;
  case RELAY_OPT:
    turn_params.no_tcp_relay = get_bool_value(value);
    break;
  case 'r':
    set_default_realm_name(value);
    break;
  /* these options have been already taken care of before: */
  case 'l':
  case SYSLOG_OPT:
    break;
  default:
    exit(-1);
  }
}

static void read_config_file(int argc, char **argv, int pass) {
  if ((pass == 0) && (c == 'l')) {
    set_logfile(value);
  } else if ((pass == 0) && (c == SYSLOG_OPT)) {
    set_log_to_syslog(get_bool_value(value));
  }
}`,
};

describe('the reading of an option', () => {
  const entries = `
  { "port", required_argument, NULL, 'p' }, { "nonce", optional_argument, NULL, NONCE_OPT },
  { "no-rfc", optional_argument, NULL, RFC_OPT }, { "no-relay", optional_argument, NULL, RELAY_OPT },
  { "realm", required_argument, NULL, 'r' }, { "log-file", required_argument, NULL, 'l' },
  { "syslog", optional_argument, NULL, SYSLOG_OPT }, { "version", optional_argument, NULL, VERSION_OPT },`;
  it.each(Object.entries(FUNCTIONS))('is derived from set_option() in the layout used %s', (_, functions) => {
    const source = table(entries) + functions;
    const readings = ['port', 'nonce', 'no-rfc', 'no-relay', 'realm', 'log-file', 'syslog', 'version'];
    expect(readings.map((name) => find(source, name)?.reading)).toEqual([
      ...['number', 'number', 'flag', 'boolean', 'text', 'text', 'boolean', 'fatal'],
    ]);
  });
  it('is unknown without set_option()', () =>
    expect(find(table(entries), 'port')).not.toHaveProperty('reading'));
});

describe('parseOptionList', () => {
  it('reads the recorded list of 4.6.1', () => {
    const text = readFileSync(new URL('../../fixtures/verified-4.6.1/options.txt', import.meta.url), 'utf8');
    const options = parseOptionList(text);
    expect(options.find(({ name }) => name === 'denied-peer-ip')?.value).toBe('required');
    expect(options.find(({ name }) => name === 'CA-file')?.value).toBe('required');
    expect(options.find(({ name }) => name === 'no-cli')?.value).toBe('optional');
  });
  it('refuses a truncated list', () => expect(() => parseOptionList('a 0\n')).toThrow(OptionTableError));
});
