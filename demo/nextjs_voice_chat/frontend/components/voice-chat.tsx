"use client";

import { useEffect, useRef } from "react";
import { useVoiceChat } from "@/lib/use-voice-chat";
import styles from "./voice-chat.module.css";

const STATES = {
  idle: "Ready",
  asking: "Asking for the microphone…",
  connecting: "Connecting…",
  reconnecting: "Connection lost, reconnecting…",
  stopped: "Stopped",
  failed: "Not connected",
};

const TURNS = {
  listening: "Listening",
  heard: "You are speaking",
  waiting: "Waiting for you to finish",
  thinking: "Thinking…",
  speaking: "Speaking",
  paused: "Paused, listening to you",
  resumed: "Speaking again",
  interrupted: "You have interrupted it",
};

export function VoiceChat() {
  const { state, turn, messages, sound, problem, toggle, loudness } = useVoiceChat();
  const audio = useRef<HTMLAudioElement>(null);
  const orb = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLLIElement>(null);
  const active = !["idle", "stopped", "failed"].includes(state);

  useEffect(() => {
    if (audio.current) audio.current.srcObject = sound;
  }, [sound]);

  useEffect(() => {
    end.current?.scrollIntoView({ block: "nearest" });
  }, [messages]);

  useEffect(() => {
    if (state !== "connected") return;
    let frame = requestAnimationFrame(function draw() {
      orb.current?.style.setProperty("--loudness", loudness().toFixed(3));
      frame = requestAnimationFrame(draw);
    });
    return () => cancelAnimationFrame(frame);
  }, [state, loudness]);

  return (
    <div className={styles.chat}>
      <section className={styles.call} aria-label="Conversation">
        <div ref={orb} className={styles.orb} data-turn={active ? turn : "none"} aria-hidden="true" />
        <p className={styles.status} role="status">
          {state === "connected" ? TURNS[turn] : STATES[state]}
        </p>
        <button type="button" className={styles.button} data-active={active} onClick={toggle}>
          {active ? "Stop" : "Start"}
        </button>
        {problem && (
          <p className={styles.problem} role="alert">
            {problem}
          </p>
        )}
        <audio ref={audio} autoPlay />
      </section>
      <ol className={styles.messages} aria-label="Messages" aria-live="polite">
        {messages.length === 0 && <li className={styles.hint}>What is said appears here as text.</li>}
        {messages.map(({ role, content }, number) => (
          <li key={number} ref={number === messages.length - 1 ? end : null} className={styles[role]}>
            {content}
          </li>
        ))}
      </ol>
    </div>
  );
}
