"use client";

import { AudioLevel, Captions, StreamButton, StreamStatus, useStream } from "@fastrtc/react";

const QUESTIONS = ["What time is it?", "What is seven times eight?", "Tell me a joke."];

/** A voice conversation with the stream of app.py, which is mounted at `url`. */
export function Conversation({ title, url }: { title: string; url?: string }) {
  const stream = useStream({ url, transport: "auto" });
  const isNew = !stream.active && stream.transcript.length === 0;

  return (
    <div className="app" data-state={stream.state} data-turn={stream.conversation.state}>
      <header>
        <h1>{title}</h1>
      </header>
      <main>
        {isNew && (
          <section className="welcome">
            <h2>Say something</h2>
            <p>Press the button, allow the microphone, and ask:</p>
            <ul>
              {QUESTIONS.map((question) => (
                <li key={question}>{question}</li>
              ))}
            </ul>
          </section>
        )}
        <Captions stream={stream} className="captions" />
      </main>
      <footer>
        {stream.notice && (
          <p className="notice" role="alert">
            {stream.notice.sentence}
          </p>
        )}
        <div className="dock">
          <AudioLevel stream={stream} side="local" className="level" />
          <StreamButton
            stream={stream}
            className="talk"
            aria-label={stream.active ? "Stop" : "Start"}
          >
            <Icon active={stream.active} />
          </StreamButton>
          <AudioLevel stream={stream} side="remote" className="level" />
        </div>
        <StreamStatus stream={stream} className="status" />
      </footer>
    </div>
  );
}

/** A microphone, or a square that stops. */
function Icon({ active }: { active: boolean }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      {active ? (
        <rect x="6.5" y="6.5" width="11" height="11" rx="2" />
      ) : (
        <>
          <rect x="9" y="3" width="6" height="11" rx="3" />
          <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" />
        </>
      )}
    </svg>
  );
}
