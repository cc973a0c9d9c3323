"use client";

import { AudioLevel, StreamButton, StreamStatus, useStream } from "@fastrtc/react";
import { useEffect, useRef } from "react";
import styles from "./voice-chat.module.css";

export function VoiceChat() {
  const stream = useStream({ url: "/api" });
  const { transcript, notice } = stream;
  const turn = stream.active ? stream.conversation.state : "none";
  const end = useRef<HTMLLIElement>(null);

  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [transcript]);

  return (
    <div className={styles.chat}>
      <section className={styles.call} aria-label="Conversation">
        <AudioLevel
          stream={stream}
          side={turn === "speaking" ? "remote" : "local"}
          className={styles.orb}
          data-turn={turn}
        />
        <StreamStatus stream={stream} className={styles.status} />
        <StreamButton stream={stream} className={styles.button} />
        {notice && (
          <p className={styles.problem} role="alert">
            {notice.sentence}
          </p>
        )}
      </section>
      <ol className={styles.messages} aria-label="Messages" aria-live="polite">
        {transcript.length === 0 && <li className={styles.hint}>What is said appears here as text.</li>}
        {transcript.map(({ key, who, text }, number) => (
          <li key={key} ref={number === transcript.length - 1 ? end : null} className={styles[who]}>
            {text}
          </li>
        ))}
      </ol>
    </div>
  );
}
