"use client";

import { useCallback, useEffect, useRef, useState } from "react";
import { Connection, httpSignalling } from "@/lib/fastrtc/fastrtc.js";
import type { ConnectionState, ConversationState } from "@/lib/fastrtc/fastrtc.js";

export interface Message {
  role: "user" | "assistant";
  content: string;
}

/** A conversation with a stream whose routes are below `api`. */
export function useVoiceChat(api = "/api") {
  const connection = useRef<Connection | null>(null);
  const [state, setState] = useState<ConnectionState>("idle");
  const [turn, setTurn] = useState<ConversationState>("listening");
  const [messages, setMessages] = useState<Message[]>([]);
  const [sound, setSound] = useState<MediaStream | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    const current = new Connection({
      signalling: httpSignalling(`${api}/webrtc/offer`),
      modality: "audio",
      mode: "send-receive",
      // On one machine no STUN server is needed; otherwise add one here.
      rtcConfiguration: { iceServers: [] },
    });
    let updates: EventSource | undefined;

    const follow = (id: string) => {
      updates?.close();
      updates = new EventSource(`${api}/messages?webrtc_id=${id}`);
      updates.onmessage = ({ data }) => setMessages((before) => [...before, JSON.parse(data)]);
    };

    current.on("state", ({ state, id, error }) => {
      setState(state);
      setProblem(error?.sentence ?? null);
      if (state === "connecting") setTurn("listening");
      if (state === "connected" && id) follow(id);
      if (!current.active) updates?.close();
    });
    current.on("conversation", ({ state }) => setTurn(state));
    current.on("remote", setSound);
    current.on("error", setProblem);
    current.on("warning", setProblem);
    connection.current = current;
    return () => {
      current.stop();
      updates?.close();
    };
  }, [api]);

  const toggle = useCallback(() => {
    if (connection.current?.active) connection.current.stop();
    else connection.current?.start();
  }, []);

  /** The current levels of both directions, from 0 to 1, for display. */
  const loudness = useCallback(() => {
    const { local, remote } = connection.current?.levels ?? {};
    return Math.max(0, ...[local, remote].map((meter) => 1 + (meter?.level() ?? -60) / 60));
  }, []);

  return { state, turn, messages, sound, problem, toggle, loudness };
}
