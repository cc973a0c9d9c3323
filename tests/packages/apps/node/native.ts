// react-native-webrtc as the environment of a connection. Only its types are checked: it runs on
// phones. The cast is needed because its classes have private members, as of version 124.

import { Connection, type Environment } from "@fastrtc/client";
import * as native from "react-native-webrtc";

const { RTCPeerConnection, MediaStream, mediaDevices } = native;

export const connection = new Connection({
  url: "https://example.org/api",
  environment: { RTCPeerConnection, MediaStream, mediaDevices } as unknown as Environment,
});

// What the client uses of them exists.
type Members<Type, _Names extends keyof Type> = Type;
export type Used = [
  Members<
    native.RTCPeerConnection,
    | "addTransceiver"
    | "close"
    | "connectionState"
    | "createDataChannel"
    | "createOffer"
    | "getSenders"
    | "getStats"
    | "getTransceivers"
    | "iceGatheringState"
    | "localDescription"
    | "onconnectionstatechange"
    | "onicecandidate"
    | "onicegatheringstatechange"
    | "ontrack"
    | "setLocalDescription"
    | "setRemoteDescription"
  >,
  Members<ReturnType<native.RTCPeerConnection["createDataChannel"]>, "close" | "onclose" | "onmessage" | "onopen" | "readyState" | "send">,
  Members<native.RTCRtpSender, "getParameters" | "replaceTrack" | "setParameters" | "track">,
  Members<native.MediaStream, "addTrack" | "getAudioTracks" | "getTracks" | "getVideoTracks" | "removeTrack">,
  Members<native.MediaStreamTrack, "enabled" | "kind" | "onended" | "readyState" | "stop">,
  Members<typeof native.mediaDevices, "enumerateDevices" | "getUserMedia">,
];
