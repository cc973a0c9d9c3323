import { VoiceChat } from "@/components/voice-chat";

export default function Page() {
  return (
    <main>
      <header>
        <h1>Voice chat</h1>
        <p>Say a day of the week, and hear which one comes next. The page is Next.js, the conversation Python.</p>
      </header>
      <VoiceChat />
    </main>
  );
}
