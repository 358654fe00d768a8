import { useState } from 'preact/hooks';
import type { SandboxMessage, Traffic } from '../../control-types.ts';
import { gist, outcome, SERVICES, type Service, trafficShown } from '../data/traffic.ts';
import { useTraffic } from '../data/use-traffic.ts';
import { usePage } from './page-context.ts';

/** More rows than this only slow the page down; the filters reach what is older. */
const ROWS = 300;

/** Every request, envelope and ack between labmate and the stand-ins, newest first. */
export function TrafficPane({ message, onForget }: { message: SandboxMessage | null; onForget: () => void }) {
  const { snapshot } = usePage();
  const all = useTraffic(snapshot.version);
  const [services, setServices] = useState<Set<Service>>(() => new Set(SERVICES));
  const shown = trafficShown(all, services, message);
  const toggle = (service: Service) => {
    const next = new Set(services);
    if (!next.delete(service)) next.add(service);
    setServices(next);
  };
  return (
    <div class="traffic" data-testid="traffic">
      <div class="filters">
        {SERVICES.map((service) => (
          <button
            type="button"
            class={services.has(service) ? `chip chip-${service}` : 'chip chip-off'}
            aria-pressed={services.has(service)}
            data-testid={`filter-${service}`}
            onClick={() => toggle(service)}
          >
            {service}
          </button>
        ))}
        {message && (
          <button type="button" class="chip chip-message" data-testid="filter-message" title="Show all again" onClick={onForget}>
            only message {message.ts} ✕
          </button>
        )}
        <span class="pane-spacer" />
        <span class="filters-count">
          {shown.length} of {all.length}
        </span>
      </div>
      <div class="traffic-rows">
        {shown.length === 0 && (
          <p class="empty">
            {message ? 'No request names this message. It was typed by a person.' : 'Nothing yet. Send something, and watch who talks to whom.'}
          </p>
        )}
        {shown.slice(0, ROWS).map((each) => (
          <Row key={each.n} traffic={each} />
        ))}
        {shown.length > ROWS && <p class="empty">{shown.length - ROWS} older ones are not drawn.</p>}
      </div>
    </div>
  );
}

function Row({ traffic }: { traffic: Traffic }) {
  const [open, setOpen] = useState(false);
  const at = new Date(traffic.at);
  const answered = traffic.status === undefined ? '' : traffic.status === 0 ? 'cut off' : String(traffic.status);
  return (
    <details
      class="row"
      data-testid="traffic-row"
      data-n={traffic.n}
      data-with={traffic.with}
      open={open}
      onToggle={(event) => {
        const row = event.currentTarget;
        setOpen(row.open);
        // What is opened at the lower edge would be opened out of sight.
        if (row.open) requestAnimationFrame(() => row.scrollIntoView({ block: 'nearest' }));
      }}
    >
      <summary class="row-head">
        <span class="row-time">{at.toLocaleTimeString('en', { hour12: false })}</span>
        <span class={`chip chip-${traffic.with} row-with`}>{traffic.with}</span>
        <span class="row-way" title={traffic.direction === 'in' ? `labmate calls ${traffic.with}` : `${traffic.with} calls labmate`}>
          {traffic.direction === 'in' ? 'labmate →' : '→ labmate'}
        </span>
        <span class="row-what">
          <code>{traffic.what}</code> <span class="row-gist">{gist(traffic)}</span>
        </span>
        <span class={`row-status row-${outcome(traffic)}`}>{answered}</span>
        <span class="row-ms">{traffic.ms === undefined ? '' : `${traffic.ms} ms`}</span>
      </summary>
      {open && (
        <div class="row-bodies">
          <Body title={traffic.direction === 'in' ? 'Request' : 'Sent'} value={traffic.body} />
          {traffic.answer !== undefined && <Body title="Answer" value={traffic.answer} />}
        </div>
      )}
    </details>
  );
}

function Body({ title, value }: { title: string; value: unknown }) {
  return (
    <div class="row-body">
      <h4>{title}</h4>
      <pre class="text-pre">{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre>
    </div>
  );
}
