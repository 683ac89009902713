import type { Manifest } from '../manifest/schema.ts';
import { advisoryAnchor, checkAnchor } from './anchors.ts';
import { CHECK_STATUS } from './check-status.ts';
import { type Answer, aboutOf, type Exposed, type ExposureState, exposuresOf } from './exposure.ts';
import { columns, type Html, html, link, nothing, section, table } from './html.ts';
import { isOfPackages, type Variant, variantsOf } from './outcome.ts';

const STATES: Readonly<Record<ExposureState, { title: string; answer: string }>> = {
  exposed: { title: 'Exposed', answer: 'Yes' },
  unknown: { title: 'Unknown', answer: 'Unknown' },
  'not-exposed': { title: 'Not exposed', answer: 'No' },
};

/** Advisories for this coturn version, and whether the shipped configuration exposes them: exposed ones first, most severe first. */
export function advisories(manifest: Manifest): Html {
  const { version } = manifest.coturn;
  const all = exposuresOf(manifest);
  if (all.length === 0)
    return section('advisories', 'Advisories', html`<p>No known advisory affects coturn ${version}.</p>`);
  const built = variantsOf(manifest).filter(isOfPackages);
  const groups = (Object.keys(STATES) as ExposureState[]).map((state) => {
    const some = all.filter((each) => each.state === state);
    if (some.length === 0) return nothing;
    return html`<tbody><tr class="group"><th scope="rowgroup" colspan="4">${STATES[state].title} (${some.length})</th></tr>
${some.map((each) => row(each, built))}</tbody>
`;
  });
  const head = columns('Severity', 'Advisory', 'Does the shipped configuration expose it?', 'Fixed in');
  return section(
    'advisories',
    'Advisories',
    html`<p class="muted">Published vulnerabilities that affect coturn ${version}. “Shipped configuration” is the package's own turnserver.conf, plus what every operator adds: credentials, a certificate and an external address. Other changes can expose more.${manifest.source === undefined ? '' : ' The SBOM of each package has the same analysis as VEX.'}</p>
${table(`Advisories that affect coturn ${version}`, head, groups, 'advisories stack')}`,
  );
}

function row({ advisory, answers }: Exposed, built: readonly Variant[]): Html {
  const { id, severity, summary, reference, fixed } = advisory;
  return html`<tr id="${advisoryAnchor(id)}"><td><span class="severity ${severity}">${severity}</span></td>
<th scope="row">${link(reference, id)}<small>${summary}</small></th>
<td class="prose">${answers.map((each) => answer(each, built))}</td><td><span class="label">Fixed in </span>${fixed}</td></tr>
`;
}

function answer(each: Answer, built: readonly Variant[]): Html {
  const about = aboutOf(each, built);
  const { state, reason, check, tried } = each;
  return html`<p class="exposure ${state}"><strong>${STATES[state].answer}${about === undefined ? '' : ` (${about})`}</strong> ${reason}${tested(check, tried)}</p>`;
}

function tested(check: string | undefined, tried: Answer['tried']): Html {
  if (check === undefined) return nothing;
  if (tried === undefined) return html` Check ${check} was not run.`;
  return html` Check <a href="#${checkAnchor(check)}">${check}</a>: ${CHECK_STATUS[tried].text}.`;
}
