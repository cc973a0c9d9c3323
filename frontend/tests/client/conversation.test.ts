import { beforeEach, describe, expect, it } from "vitest";
import { Conversation } from "../../client/conversation";

const QUIET = -60;
const LOUD = -20;

let conversation: Conversation;
let now: number;

/** Let time pass with these levels, in steps of 50 ms. */
function pass(milliseconds: number, { user = QUIET, answer = QUIET } = {}): void {
  for (const end = now + milliseconds; now < end;) {
    now += 50;
    conversation.measure(user, answer, now);
  }
}

function log(text: string): void {
  conversation.log(text, now);
}

/** The user speaks for a second, pauses, and is answered after `thinking` ms. */
function takeTurn(thinking = 300): void {
  log("started_talking");
  pass(1000, { user: LOUD });
  pass(500);
  log("pause_detected");
  pass(thinking);
  log("response_starting");
  pass(100, { answer: LOUD });
}

beforeEach(() => {
  conversation = new Conversation();
  now = 0;
  pass(1000);
});

describe("a turn", () => {
  it("goes from listening over heard and thinking to speaking and back", () => {
    const seen = [conversation.snapshot.state];
    const look = () => seen.push(conversation.snapshot.state);
    log("started_talking");
    look();
    pass(1000, { user: LOUD });
    log("pause_detected");
    look();
    pass(300);
    log("response_starting");
    pass(50);
    look();
    pass(2000, { answer: LOUD });
    look();
    pass(2000);
    look();
    expect(seen).toEqual(["listening", "heard", "thinking", "thinking", "speaking", "listening"]);
  });

  it("goes on over a short pause of the answer", () => {
    takeTurn();
    pass(600);
    expect(conversation.snapshot.state).toBe("speaking");
    pass(600, { answer: LOUD });
    expect(conversation.snapshot.state).toBe("speaking");
  });

  it("ends when the answer has no sound", () => {
    log("pause_detected");
    log("response_starting");
    pass(2500);
    expect(conversation.snapshot.state).toBe("thinking");
    pass(1000);
    expect(conversation.snapshot.state).toBe("listening");
  });

  it("waits as long as it takes for an answer that has not begun", () => {
    log("pause_detected");
    pass(60_000);
    expect(conversation.snapshot.state).toBe("thinking");
  });
});

it("listens again when the answer fails", () => {
  log("pause_detected");
  conversation.fail(now);
  expect(conversation.snapshot.state).toBe("listening");
  pass(50, { answer: LOUD });
  expect(conversation.snapshot).toMatchObject({ state: "speaking", latency: null });
});

it("listens again when the handler fails while the user is heard", () => {
  log("started_talking");
  pass(500, { user: LOUD });
  conversation.fail(now);
  expect(conversation.snapshot.state).toBe("listening");
  log("pause_detected");
  expect(conversation.snapshot.state).toBe("thinking");
});

it("speaks on when the handler fails after an answer has begun", () => {
  takeTurn();
  conversation.fail(now);
  expect(conversation.snapshot.state).toBe("speaking");
});

describe("an interruption", () => {
  it("is told, and then the user is heard", () => {
    takeTurn();
    log("started_talking");
    expect(conversation.snapshot.state).toBe("interrupted");
    pass(200, { user: LOUD, answer: LOUD }); // on its way before
    expect(conversation.snapshot.state).toBe("interrupted");
    pass(1000, { user: LOUD });
    expect(conversation.snapshot.state).toBe("heard");
    log("pause_detected");
    expect(conversation.snapshot.state).toBe("thinking");
  });

  it("is none while the answer is not heard yet, unless the server says so", () => {
    log("pause_detected");
    log("started_talking");
    expect(conversation.snapshot.state).toBe("heard");
    log("interrupted");
    expect(conversation.snapshot.state).toBe("interrupted");
  });

  it("is none when the answer has just ended", () => {
    takeTurn();
    pass(500);
    expect(conversation.snapshot.state).toBe("speaking");
    log("started_talking");
    expect(conversation.snapshot.state).toBe("heard");
  });
});

describe("latency", () => {
  it("is unknown at first", () => {
    expect(conversation.snapshot).toEqual({
      state: "listening",
      latency: null,
      latencyFromSpeech: null,
    });
  });

  it("runs from the pause, and from the end of speech, to the first sound", () => {
    takeTurn(300);
    expect(conversation.snapshot).toMatchObject({ latency: 350, latencyFromSpeech: 850 });
  });

  it("is that of the last turn", () => {
    takeTurn(300);
    pass(3000);
    takeTurn(700);
    expect(conversation.snapshot.latency).toBe(750);
  });

  it("does not count sound that answers nothing", () => {
    pass(500, { answer: LOUD });
    expect(conversation.snapshot).toMatchObject({ state: "speaking", latency: null });
  });

  it("finds the end of speech above a steady noise", () => {
    const noise = -40;
    pass(10_000, { user: noise });
    log("started_talking");
    pass(1000, { user: LOUD });
    pass(500, { user: noise });
    log("pause_detected");
    pass(100, { user: noise });
    pass(50, { user: noise, answer: LOUD });
    expect(conversation.snapshot.latencyFromSpeech).toBe(650);
  });
});

it("passes over logs of the program's own", () => {
  log("fetching the weather");
  expect(conversation.snapshot.state).toBe("listening");
});

it("knows a greeting, which nobody asked for", () => {
  pass(50, { answer: LOUD });
  expect(conversation.snapshot.state).toBe("speaking");
});

describe("a server that reports its states", () => {
  const report = (name: string) => {
    conversation.report(name, now);
    return conversation.snapshot.state;
  };

  it("decides about the state, whatever the levels are", () => {
    expect(["user_speaking", "end_of_turn_pending", "thinking"].map(report)).toEqual([
      "heard",
      "waiting",
      "thinking",
    ]);
    pass(5000, { answer: LOUD }); // a sound while thinking
    expect(conversation.snapshot).toMatchObject({ state: "thinking", latency: null });
    report("speaking");
    pass(5000);
    expect(conversation.snapshot.state).toBe("speaking");
    expect(report("listening")).toBe("listening");
  });

  it("pauses the reply, which is resumed for a while", () => {
    report("speaking");
    expect(report("interruption_pending")).toBe("paused");
    expect(report("speaking")).toBe("resumed");
    expect(report("speaking")).toBe("resumed");
    pass(1000);
    expect(conversation.snapshot.state).toBe("resumed");
    pass(1000);
    expect(conversation.snapshot.state).toBe("speaking");
  });

  it.each([
    ["before", ["log", "state"]],
    ["after", ["state", "log"]],
  ])("shows an interruption that is logged %s the state", (_, order) => {
    report("speaking");
    report("interruption_pending");
    for (const what of order) {
      if (what === "log") log("interrupted");
      else report("user_speaking");
      expect(conversation.snapshot.state).toBe("interrupted");
    }
    pass(1500);
    expect(conversation.snapshot.state).toBe("heard");
  });

  it("returns to listening after an interruption by the program", () => {
    report("speaking");
    report("listening");
    log("interrupted");
    pass(1500);
    expect(conversation.snapshot.state).toBe("listening");
  });

  it("measures the latency at the first sound of the reply", () => {
    log("started_talking");
    report("user_speaking");
    pass(1000, { user: LOUD });
    pass(500);
    log("pause_detected");
    report("thinking");
    pass(300);
    log("response_starting");
    report("speaking");
    expect(conversation.snapshot.latency).toBe(null);
    pass(100, { answer: LOUD });
    expect(conversation.snapshot).toMatchObject({ latency: 350, latencyFromSpeech: 850 });
  });

  it("keeps its state when the handler fails", () => {
    report("thinking");
    conversation.fail(now);
    expect(conversation.snapshot.state).toBe("thinking");
  });

  it("may have states that this client does not know", () => {
    expect(report("dreaming")).toBe("listening");
    takeTurn();
    expect(conversation.snapshot.state).toBe("speaking");
  });
});
