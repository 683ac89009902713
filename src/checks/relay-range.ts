/** coturn's default relay range: turnserver(1). */
const DEFAULT_RANGE = { 'min-port': 49_152, 'max-port': 65_535 };

/** The first and the last port of a configuration's relay range. */
export function relayRangeOf(configuration: string): [first: number, last: number] {
  const port = (name: keyof typeof DEFAULT_RANGE) => {
    const found = new RegExp(`^${name}[ \\t]*=[ \\t]*(\\d+)`, 'm').exec(configuration)?.[1];
    return found === undefined ? DEFAULT_RANGE[name] : Number(found);
  };
  return [port('min-port'), port('max-port')];
}
