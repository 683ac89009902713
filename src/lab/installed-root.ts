import { startCapture } from './capture.ts';
import type { Containment } from './containment.ts';
import type { LabSettings, ServerName } from './facts.ts';
import { unitFragments } from './fragments.ts';
import { recordInstalled } from './installed.ts';
import type { Namespaces } from './network.ts';
import { type RemoteAgent, startAgent } from './remote.ts';
import { runService, SERVICE, UNITS } from './scenarios/service.ts';
import { prepareSanitized, prepareTarget, startServer } from './server.ts';
import { testConfiguration } from './server-configuration.ts';
import type { Subject } from './subject.ts';
import { watchLeaving } from './tcpdump.ts';

/** Tests a package installed in a root of this container. Its machines are network namespaces. */
export function installedRoot(
  namespaces: Namespaces,
  containment: Containment,
  settings: LabSettings,
): Subject {
  const options = new Set(settings.options);
  const { site, emulated } = settings;
  const agents = new Map<ServerName, RemoteAgent>();
  const agentOn = (machine: ServerName) => {
    const agent = agents.get(machine) ?? startAgent(namespaces[machine]);
    agents.set(machine, agent);
    return agent;
  };
  // Must be read before any code of the package runs.
  const installed = recordInstalled([site.configuration, '/etc/passwd', '/etc/group', ...UNITS]);
  const fragments = unitFragments(SERVICE.name);
  prepareTarget();
  const sanitized = settings.sanitized ? prepareSanitized() : undefined;
  return {
    agentOn,
    start(server) {
      const { name } = server;
      const common = { containment, site, installed, emulated };
      const place = { ...common, name, namespace: namespaces[name], agent: agentOn(name) };
      const configuration = testConfiguration(place, options, server.lines);
      return startServer(place, configuration, server.sanitized === true ? sanitized : undefined);
    },
    capture: (machine, to) => startCapture(namespaces[machine], to),
    watchLeaving: (machine, filter) => watchLeaving(namespaces[machine], filter),
    runService: ({ clients, ...chosen }) =>
      runService({ namespaces, containment, installed, fragments, agentOn, clients, settings, chosen }),
    end() {
      for (const agent of agents.values()) agent.stop();
    },
  };
}
