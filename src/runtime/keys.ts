/** Every key we keep in Redis, under one hash tag, so that each script finds its keys on one node. */
export function makeKeys(prefix: string) {
  const tag = `{${prefix}}`;
  return {
    log: (sid: string) => `${tag}:log:${sid}`,
    st: (sid: string) => `${tag}:st:${sid}`,
    idem: (sid: string) => `${tag}:idem:${sid}`,
    slots: (sid: string) => `${tag}:slots:${sid}`,
    blob: (sha256: string) => `${tag}:blob:${sha256}`,
    seen: (delivery: string) => `${tag}:seen:${delivery}`,
    thread: (team: string, channel: string, ts: string) => `${tag}:thread:${team}-${channel}-${ts}`,
    alias: (team: string) => `${tag}:alias:${team}`,
    about: (team: string) => `${tag}:about:${team}`,
    liveTeam: (team: string) => `${tag}:live:${team}`,
    liveUser: (team: string, user: string) => `${tag}:live:${team}:${user}`,
    limit: (name: string) => `${tag}:limit:${name}`,
    show: (sid: string) => `${tag}:show:${sid}`,
    /** Run id -> how far it is, for the sessions that wait; a look at somebody else's system, not a fact of the log. */
    progress: (sid: string) => `${tag}:progress:${sid}`,
    /** What mounted servers were found to offer, as it may be called. */
    pins: `${tag}:mcp-pins`,
    watch: `${tag}:watch`,
    /** Somebody said that it is time to look at the runs. */
    nudge: `${tag}:nudge`,
    /** What channels were told of outages that last, and which process looks after that. */
    outages: `${tag}:outages`,
    outageWatch: `${tag}:outage-watch`,
    due: `${tag}:due`,
    stale: `${tag}:stale`,
    waits: `${tag}:waits`,
    /** BullMQ's own prefix: ioredis' keyPrefix makes it throw. */
    queue: `${tag}:q`,
  };
}

export type Keys = ReturnType<typeof makeKeys>;
