/** The shortcodes drawn as emoji: what the product posts and what people in an ML channel commonly type. Others stay `:name:`. */
const TABLE = `
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 ok_hand 👌 wave 👋 pray 🙏 clap 👏 raised_hands 🙌 muscle 💪 eyes 👀 point_right 👉 point_left 👈
point_up ☝️ point_down 👇 raised_hand ✋ handshake 🤝 writing_hand ✍️ brain 🧠 robot_face 🤖 bust_in_silhouette 👤 busts_in_silhouette 👥
smile 😄 smiley 😃 grinning 😀 slightly_smiling_face 🙂 blush 😊 wink 😉 joy 😂 thinking_face 🤔 sweat_smile 😅 neutral_face 😐 cry 😢 sob 😭
scream 😱 tada 🎉 confetti_ball 🎊 sparkles ✨ star ⭐ star2 🌟 fire 🔥 zap ⚡ boom 💥 rocket 🚀 heart ❤️ 100 💯 trophy 🏆 dart 🎯 medal 🏅
white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ negative_squared_cross_mark ❎ no_entry ⛔ no_entry_sign 🚫
warning ⚠️ rotating_light 🚨 exclamation ❗ question ❓ grey_exclamation ❕ grey_question ❔ information_source ℹ️ bangbang ‼️ interrobang ⁉️
hourglass ⌛ hourglass_flowing_sand ⏳ stopwatch ⏱️ timer_clock ⏲️ alarm_clock ⏰ clock1 🕐 clock3 🕒 clock9 🕘 calendar 📅 date 📅
arrow_up ⬆️ arrow_down ⬇️ arrow_right ➡️ arrow_left ⬅️ arrow_upper_right ↗️ arrow_lower_right ↘️ arrows_counterclockwise 🔄 repeat 🔁
leftwards_arrow_with_hook ↩️ arrow_forward ▶️ double_vertical_bar ⏸️ black_square_for_stop ⏹️ octagonal_sign 🛑 stop_sign 🛑 fast_forward ⏩
chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 abacus 🧮 straight_ruler 📏 triangular_ruler 📐 scales ⚖️ balance_scale ⚖️
test_tube 🧪 alembic ⚗️ microscope 🔬 telescope 🔭 dna 🧬 petri_dish 🧫 gear ⚙️ wrench 🔧 hammer 🔨 hammer_and_wrench 🛠️ nut_and_bolt 🔩
lock 🔒 unlock 🔓 closed_lock_with_key 🔐 key 🔑 shield 🛡️ link 🔗 chains ⛓️ paperclip 📎 pushpin 📌 round_pushpin 📍 label 🏷️ bookmark 🔖
memo 📝 pencil ✏️ pencil2 ✏️ page_facing_up 📄 page_with_curl 📃 clipboard 📋 notebook 📓 books 📚 book 📖 scroll 📜 receipt 🧾 newspaper 📰
file_folder 📁 open_file_folder 📂 card_index_dividers 🗂️ package 📦 inbox_tray 📥 outbox_tray 📤 envelope ✉️ email 📧 mailbox 📫
bulb 💡 mag 🔍 mag_right 🔎 bell 🔔 no_bell 🔕 mega 📣 loudspeaker 📢 speech_balloon 💬 thought_balloon 💭 computer 💻 floppy_disk 💾
broom 🧹 wastebasket 🗑️ moneybag 💰 dollar 💵 battery 🔋 electric_plug 🔌 satellite 🛰️ globe_with_meridians 🌐 seedling 🌱 zzz 💤 ghost 👻
red_circle 🔴 large_blue_circle 🔵 large_green_circle 🟢 large_yellow_circle 🟡 large_orange_circle 🟠 white_circle ⚪ black_circle ⚫
large_purple_circle 🟣 small_blue_diamond 🔹 small_orange_diamond 🔸 small_red_triangle 🔺 small_red_triangle_down 🔻
one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ heavy_plus_sign ➕ heavy_minus_sign ➖ heavy_multiplication_x ✖️ infinity ♾️ recycle ♻️ bug 🐛 construction 🚧
`;

const EMOJI = new Map<string, string>();
const words = TABLE.trim().split(/\s+/);
for (let at = 0; at + 1 < words.length; at += 2) EMOJI.set(words[at] ?? '', words[at + 1] ?? '');

export function isEmoji(name: string): boolean {
  return EMOJI.has(name);
}

/** The character for a shortcode, or `:name:` for one we don't know. */
export function emojiCharacter(name: string): string {
  return EMOJI.get(name) ?? `:${name}:`;
}
