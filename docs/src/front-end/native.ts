import type { Environment } from "@fastrtc/client";
import { useStream } from "@fastrtc/react";
import { MediaStream, RTCPeerConnection, mediaDevices } from "react-native-webrtc";

const environment = { RTCPeerConnection, MediaStream, mediaDevices } as unknown as Environment;

export function useNativeStream(url: string) {
  return useStream({ url, environment });
}
